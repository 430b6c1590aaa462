CREATE TABLE IF NOT EXISTS `policy_decisions` (
  `request_id` varchar(64) NOT NULL PRIMARY KEY,
  `policy_version` int NOT NULL,
  `rule_id` varchar(64) NOT NULL,
  `owner_id` int NOT NULL,
  `chain_id` int NOT NULL,
  `currency` varchar(16) NOT NULL,
  `amount` decimal(65,0) NOT NULL,
  `limit_bucket` datetime(3) NOT NULL,
  `limits_returned_at` datetime(3) NULL,
  `approvals_required` int NOT NULL,
  `approvers` text NULL,
  `approval_deadline` datetime(3) NULL,
  `approved_at` datetime(3) NULL,
  `decided_at` datetime(3) NOT NULL,
  KEY `policy_decisions_deadline` (`approved_at`, `approval_deadline`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
