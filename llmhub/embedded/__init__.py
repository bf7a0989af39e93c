"""The servers that `make up` and the tests bring along, from the files inside four wheels."""
