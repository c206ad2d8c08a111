"""Tests of the code that talks to Azure."""
