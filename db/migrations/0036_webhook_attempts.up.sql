CREATE TABLE IF NOT EXISTS `webhook_attempts` (
  `delivery_id` bigint NOT NULL,
  `ordinal` int NOT NULL,
  `started_at` datetime(3) NOT NULL,
  `duration_ms` int NOT NULL,
  `status_code` int NULL,
  `error` varchar(32) NULL,
  `response` varchar(256) NULL,
  PRIMARY KEY (`delivery_id`, `ordinal`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
