DROP TABLE IF EXISTS `password_guesses`;
