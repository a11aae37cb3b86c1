"""One file a verb. Each holds `command`, a click command, and is imported only when its verb is used."""
