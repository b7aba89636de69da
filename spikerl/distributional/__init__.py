"""What a population of dopamine cells tells of the distribution of rewards, and how it is read."""
