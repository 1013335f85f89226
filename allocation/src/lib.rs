//! oms-allocation
