"""Files: whole or not at all, with checksums; disks that are full, folders that are gone."""
