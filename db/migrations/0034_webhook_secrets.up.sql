CREATE TABLE IF NOT EXISTS `webhook_secrets` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `endpoint_id` bigint NOT NULL,
  `sealed` varchar(255) NOT NULL,
  `created_at` datetime(3) NOT NULL,
  `expires_at` datetime(3) NULL,
  KEY `webhook_secrets_endpoint` (`endpoint_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
