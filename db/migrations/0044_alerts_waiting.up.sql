ALTER TABLE `alerts` ADD KEY `alerts_waiting` (`resolved_at`, `id`);
