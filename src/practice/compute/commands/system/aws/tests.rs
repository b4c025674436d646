//! The command as a whole, in front of a surroundings that plays the account.
