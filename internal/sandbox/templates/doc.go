// Package templates is what the templates of all drivers do alike: they are freed with the last
// of those who use what they share, and make boxes under names that are safe.
//
// It is not what a template holds: that is each driver's own.
package templates
