//! oms-activities
