CREATE TABLE IF NOT EXISTS `second_factors` (
  `user_id` int NOT NULL PRIMARY KEY,
  `version` int NOT NULL,
  `sealed` varchar(255),
  `confirmed_at` datetime(3),
  `last_step` bigint,
  `wrong_tries` int NOT NULL,
  `wait_until` datetime(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
