"""Nodes + what is remembered → a plan with its money. Pure: no disk, no network, no clock."""
