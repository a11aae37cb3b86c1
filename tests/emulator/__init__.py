"""Tests of the local service: real sockets, real pictures, the official SDK."""
