"""The commands. What imports slowly is imported inside the command that needs it."""
