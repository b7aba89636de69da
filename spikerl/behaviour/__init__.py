"""Rate models of choice, and how well they fit what an animal or a circuit chose."""
