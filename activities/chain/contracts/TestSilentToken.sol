// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that can refuse every transfer without saying why.
/// @dev The refusals are the ones a node reports differently: a revert with no data, the panic of a
/// failed assertion, and the invalid opcode that assertions of old compilers end in, which burns
/// all gas there is.
contract TestSilentToken is ERC20, Ownable {
    enum Refusal {
        None,
        Revert,
        Panic,
        InvalidOpcode
    }

    Refusal public refusal;

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test Silent Token", "SILENT") Ownable(msg.sender) {
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function setRefusal(Refusal how) external onlyOwner {
        refusal = how;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (refusal == Refusal.Revert) {
            assembly {
                revert(0, 0)
            }
        }
        if (refusal == Refusal.InvalidOpcode) {
            assembly {
                invalid()
            }
        }
        assert(refusal != Refusal.Panic);
        super._update(from, to, amount);
    }
}
