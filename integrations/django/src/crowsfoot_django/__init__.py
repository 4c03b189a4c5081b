"""Options of Crowsfoot, written after Django's models."""
