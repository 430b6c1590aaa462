DROP TABLE `signed_transactions`;
