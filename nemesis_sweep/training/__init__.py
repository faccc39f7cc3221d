"""Training of prompts on cached image features: the step, the epochs, evaluation and checkpoints."""
