CREATE TABLE IF NOT EXISTS `password_guesses` (
  `subject` char(64) NOT NULL PRIMARY KEY,
  `failures` int NOT NULL,
  `wait_until` datetime(3),
  `fades_at` datetime(3) NOT NULL,
  `known_until` datetime(3),
  `forget_at` datetime(3) NOT NULL,
  KEY `password_guesses_forget` (`forget_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
