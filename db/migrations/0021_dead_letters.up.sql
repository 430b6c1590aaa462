CREATE TABLE IF NOT EXISTS `dead_letters` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `request_id` varchar(64) NOT NULL,
  `open_key` varchar(64) NULL,
  `chain_id` int NOT NULL,
  `currency` varchar(16) NOT NULL,
  `code` varchar(64) NOT NULL,
  `class` enum('permanent','transient','unknown') NOT NULL,
  `reason` varchar(1024) NOT NULL,
  `escalations` int NOT NULL DEFAULT 0,
  `escalated_at` datetime(3) NULL,
  `parked_at` datetime(3) NOT NULL,
  `resolved_at` datetime(3) NULL,
  `resolution` varchar(32) NULL,
  UNIQUE KEY `dead_letters_open` (`open_key`),
  KEY `dead_letters_request` (`request_id`, `id`),
  KEY `dead_letters_waiting` (`resolved_at`, `class`, `code`, `id`),
  KEY `dead_letters_parked` (`parked_at`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
