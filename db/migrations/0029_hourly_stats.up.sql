CREATE TABLE IF NOT EXISTS `hourly_stats` (
  `hour` datetime(3) NOT NULL PRIMARY KEY,
  `counts` text NOT NULL,
  `open_ids` text NOT NULL,
  `counted_at` datetime(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
