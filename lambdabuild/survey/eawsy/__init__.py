"""Functions of eawsy's libraries (2016 to 2018), and their repositories, most of which have no go.mod."""
