"""The only code that talks to Azure: adapters over errors and the model, unaware of the engine."""
