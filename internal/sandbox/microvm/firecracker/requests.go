package firecracker

import (
	"context"
	"net/http"
	"net/url"
)

// What Firecracker is asked. Fields have the description's names and units; MiB are 2^20 bytes.
type (
	// MachineConfig is a machine's size.
	MachineConfig struct {
		VCPUs     int `json:"vcpu_count"`
		MemoryMiB int `json:"mem_size_mib"`
	}

	// BootSource is what a machine boots: an uncompressed kernel (see package image, Vmlinux).
	BootSource struct {
		Kernel string `json:"kernel_image_path"`
		Initrd string `json:"initrd_path,omitempty"`
		Args   string `json:"boot_args,omitempty"`
	}

	// Drive is a block device over a raw image.
	Drive struct {
		ID       string `json:"drive_id"`
		Root     bool   `json:"is_root_device"`
		ReadOnly bool   `json:"is_read_only"`
		Path     string `json:"path_on_host"`
	}

	// Interface is a network device over a tap device of the namespace that Firecracker is in.
	Interface struct {
		ID  string `json:"iface_id"`
		Tap string `json:"host_dev_name"`
		MAC string `json:"guest_mac,omitempty"`
	}

	// Vsock is a machine's device for streams; Socket is made by Firecracker.
	Vsock struct {
		CID    int    `json:"guest_cid"` // 3 or more; nobody but the guest's kernel sees it
		Socket string `json:"uds_path"`
	}
)

type drivePatch struct {
	ID   string `json:"drive_id"`
	Path string `json:"path_on_host"`
}

type balloon struct {
	MiB       int  `json:"amount_mib"`
	GivesBack bool `json:"deflate_on_oom"`
}

type balloonPatch struct {
	MiB int `json:"amount_mib"`
}

type action struct {
	Kind string `json:"action_type"`
}

type state struct {
	State string `json:"state"`
}

type snapshotCreate struct {
	Kind   string `json:"snapshot_type"`
	State  string `json:"snapshot_path"`
	Memory string `json:"mem_file_path"`
}

type snapshotLoad struct {
	State    string            `json:"snapshot_path"`
	Memory   memoryBackend     `json:"mem_backend"`
	Resume   bool              `json:"resume_vm"`
	Networks []networkOverride `json:"network_overrides,omitempty"`
	Vsock    *vsockOverride    `json:"vsock_override,omitempty"`
}

type memoryBackend struct {
	Kind string `json:"backend_type"`
	Path string `json:"backend_path"`
}

type networkOverride struct {
	ID  string `json:"iface_id"`
	Tap string `json:"host_dev_name"`
}

type vsockOverride struct {
	Socket string `json:"uds_path"`
}

// noLimits is a device without a rate limiter.
type noLimits struct{}

// SetDrive puts another image behind a drive of a machine that runs. The guest must not have it
// mounted: nobody would notice (Firecracker's docs/api_requests/patch-block.md).
func (c *Client) SetDrive(ctx context.Context, id, path string) error {
	return c.patch(ctx, "/drives/"+url.PathEscape(id), drivePatch{ID: id, Path: path})
}

// SetBalloon has the guest hand back so much memory, in MiB, or take it again.
func (c *Client) SetBalloon(ctx context.Context, mib int) error {
	return c.patch(ctx, "/balloon", balloonPatch{MiB: mib})
}

// Pause stops the machine's processors. Pausing twice is no error.
func (c *Client) Pause(ctx context.Context) error { return c.patch(ctx, "/vm", state{"Paused"}) }

// Resume lets them go on.
func (c *Client) Resume(ctx context.Context) error { return c.patch(ctx, "/vm", state{"Resumed"}) }

// Version is Firecracker's.
func (c *Client) Version(ctx context.Context) (string, error) {
	var answer struct {
		Version string `json:"firecracker_version"`
	}
	err := c.ask(ctx, http.MethodGet, "/version", nil, &answer)
	return answer.Version, err
}
