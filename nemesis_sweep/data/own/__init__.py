"""Data of the user's own: class folders, tables of images, torchvision's datasets."""
