DROP TABLE `transactions`;
