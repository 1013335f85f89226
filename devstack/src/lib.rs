//! oms-devstack
