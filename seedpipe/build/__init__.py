"""Plan → events: what is bought, fetched, made here, kept and written. Decisions are pure; the asyncio shell is short."""
