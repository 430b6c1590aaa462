DROP TABLE `wallets`;
