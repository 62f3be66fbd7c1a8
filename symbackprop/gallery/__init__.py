"""The specs that ship with the package, one file each, with the rows that they train on."""
