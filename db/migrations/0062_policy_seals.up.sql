ALTER TABLE `policies`
  ADD COLUMN `retired_at` datetime(3) NULL,
  ADD COLUMN `seal` char(64) NULL;
