"""Dated facts about models and providers: YAML files beside their reader. Never code per model."""
