"""Who there is: account holders, staff, keys of other systems, and the links that people hold."""
