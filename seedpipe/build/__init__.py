"""Plan → events: what is bought, fetched, made here and kept. Decisions are pure; the asyncio shell is short."""
