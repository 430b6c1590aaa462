CREATE TABLE IF NOT EXISTS `approvals` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `request_id` varchar(64) NOT NULL,
  `approver_id` int NOT NULL,
  `decision` enum('APPROVE','REJECT') NOT NULL,
  `reason` varchar(255) NULL,
  `seal` char(64) NOT NULL,
  `created_at` datetime(3) NOT NULL,
  `told_at` datetime(3) NULL,
  `used_at` datetime(3) NULL,
  UNIQUE KEY `approvals_approver` (`request_id`, `approver_id`),
  KEY `approvals_untold` (`told_at`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
