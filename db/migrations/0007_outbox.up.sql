CREATE TABLE IF NOT EXISTS `outbox` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `request_id` varchar(64) NOT NULL,
  `created_at` datetime(3) NOT NULL,
  `dispatched_at` datetime(3) NULL,
  UNIQUE KEY `outbox_request` (`request_id`),
  KEY `outbox_waiting` (`dispatched_at`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
