// Package stage sets up what the benchmarks and the soak perform on: simulators and a worker, each a process of its own on a loopback
// port, and the resources or the plan that the worker serves.
//
// It measures nothing and judges nothing. Processes that it starts end with the process that started them, however that ends.
package stage
