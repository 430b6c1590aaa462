CREATE TABLE IF NOT EXISTS `webhook_endpoints` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `owner_id` int NOT NULL,
  `url` varchar(2048) NOT NULL,
  `description` varchar(255) NOT NULL,
  `events` varchar(1024) NULL,
  `off_at` datetime(3) NULL,
  `off_reason` enum('OWNER','GONE','FAILING') NULL,
  `failing_since` datetime(3) NULL,
  `created_at` datetime(3) NOT NULL,
  `updated_at` datetime(3) NOT NULL,
  `deleted_at` datetime(3) NULL,
  KEY `webhook_endpoints_owner` (`owner_id`, `deleted_at`, `id`),
  KEY `webhook_endpoints_kept` (`deleted_at`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
