"""What is used of Ray and Optuna that is not public, one file each: what an upgrade of them may break."""
