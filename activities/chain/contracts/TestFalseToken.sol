// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that reports failure by returning `false` instead of reverting.
/// @dev While the owner has failing switched on, the transaction is mined with status 1, moves
/// nothing and emits no event: only the missing Transfer log tells that nobody was paid.
contract TestFalseToken is ERC20, Ownable {
    bool public failing;

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test False Token", "FALSE") Ownable(msg.sender) {
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function setFailing(bool on) external onlyOwner {
        failing = on;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return failing ? false : super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return failing ? false : super.transferFrom(from, to, amount);
    }
}
