CREATE TABLE IF NOT EXISTS `audit_pending` (
  `audit_id` bigint NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
