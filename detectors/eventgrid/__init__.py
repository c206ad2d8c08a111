"""Azure Event Grid: how the gate hears of changes."""
