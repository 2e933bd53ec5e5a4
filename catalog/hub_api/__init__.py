"""Face 1: what huggingface_hub speaks. Its wire names, headers and habits never leave this folder."""
