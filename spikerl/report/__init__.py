"""A run as a page: figures and numbers drawn from analyses, in one file that needs nothing else."""
