"""What a run shows: one kind of question a file, answered from results alone."""
