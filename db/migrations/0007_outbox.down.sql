DROP TABLE `outbox`;
