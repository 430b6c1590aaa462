// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that keeps a part of each transfer: the recipient gets less than was sent.
/// @dev A transfer emits two Transfer events, the fee to the collector and the net amount to the
/// recipient. The fee is rounded down. It starts at 100 basis points (1 %) paid to the deployer.
contract TestFeeToken is ERC20, Ownable {
    uint256 private constant BASIS_POINTS = 10_000;

    uint256 public feeBasisPoints = 100;
    address public feeCollector;

    error FeeTooHigh(uint256 feeBasisPoints);

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test Fee Token", "FEE") Ownable(msg.sender) {
        feeCollector = msg.sender;
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function setFee(uint256 basisPoints, address collector) external onlyOwner {
        require(basisPoints <= BASIS_POINTS, FeeTooHigh(basisPoints));
        feeBasisPoints = basisPoints;
        feeCollector = collector;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) ? 0 : (amount * feeBasisPoints) / BASIS_POINTS;
        if (fee > 0) {
            super._update(from, feeCollector, fee);
        }
        super._update(from, to, amount - fee);
    }
}
