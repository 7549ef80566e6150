// Package kubetest has the parts of the Kubernetes API that manifests of this
// repository use, so that tests read them strictly: a field that Kubernetes does
// not know is an error.
package kubetest

import (
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode reads the documents of a manifest, one into each target, and nothing
// else.
func Decode(text string, targets ...any) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	for _, target := range targets {
		if err := d.Decode(target); err != nil {
			return err
		}
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("there are more documents than expected")
	}
	return nil
}

// Named has a name.
type Named struct {
	Name string `yaml:"name"`
}

// Deployment is of apps/v1.
type Deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   Named  `yaml:"metadata"`
	Spec       struct {
		Replicas int32    `yaml:"replicas"`
		Selector Selector `yaml:"selector"`
		Strategy struct {
			Type          string `yaml:"type"`
			RollingUpdate struct {
				MaxUnavailable int32 `yaml:"maxUnavailable"`
				MaxSurge       int32 `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Template struct {
			Metadata struct {
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec PodSpec `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// DisruptionBudget is a PodDisruptionBudget of policy/v1.
type DisruptionBudget struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   Named  `yaml:"metadata"`
	Spec       struct {
		MaxUnavailable int32    `yaml:"maxUnavailable"`
		Selector       Selector `yaml:"selector"`
	} `yaml:"spec"`
}

// Selector selects pods.
type Selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

// FailureRule is of the podFailurePolicy of batch/v1.
type FailureRule struct {
	Action      string `yaml:"action"`
	OnExitCodes struct {
		ContainerName string  `yaml:"containerName"`
		Operator      string  `yaml:"operator"`
		Values        []int32 `yaml:"values"`
	} `yaml:"onExitCodes"`
	OnPodConditions []struct {
		Type   string `yaml:"type"`
		Status string `yaml:"status"`
	} `yaml:"onPodConditions"`
}

// PodSpec is of core/v1.
type PodSpec struct {
	RestartPolicy                 string `yaml:"restartPolicy"`
	AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
	TerminationGracePeriodSeconds int64  `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsNonRoot        bool   `yaml:"runAsNonRoot"`
		RunAsUser           int64  `yaml:"runAsUser"`
		RunAsGroup          int64  `yaml:"runAsGroup"`
		FSGroup             int64  `yaml:"fsGroup"`
		FSGroupChangePolicy string `yaml:"fsGroupChangePolicy"`
		SeccompProfile      struct {
			Type string `yaml:"type"`
		} `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	TopologySpreadConstraints []struct {
		MaxSkew           int32    `yaml:"maxSkew"`
		TopologyKey       string   `yaml:"topologyKey"`
		WhenUnsatisfiable string   `yaml:"whenUnsatisfiable"`
		LabelSelector     Selector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []Container `yaml:"containers"`
	Volumes    []Volume    `yaml:"volumes"`
}

// Volume is of core/v1.
type Volume struct {
	Name                  string `yaml:"name"`
	PersistentVolumeClaim struct {
		ClaimName string `yaml:"claimName"`
	} `yaml:"persistentVolumeClaim"`
	ConfigMap Named `yaml:"configMap"`
	EmptyDir  struct {
		SizeLimit string `yaml:"sizeLimit"`
	} `yaml:"emptyDir"`
	Secret struct {
		SecretName  string `yaml:"secretName"`
		DefaultMode int32  `yaml:"defaultMode"`
	} `yaml:"secret"`
}

// Probe is of core/v1.
type Probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
	PeriodSeconds    int32 `yaml:"periodSeconds"`
	TimeoutSeconds   int32 `yaml:"timeoutSeconds"`
	FailureThreshold int32 `yaml:"failureThreshold"`
}

// Container is of core/v1.
type Container struct {
	Name    string   `yaml:"name"`
	Image   string   `yaml:"image"`
	Command []string `yaml:"command"`
	Args    []string `yaml:"args"`
	Env     []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"env"`
	EnvFrom []struct {
		SecretRef Named `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string `yaml:"name"`
		ContainerPort int32  `yaml:"containerPort"`
	} `yaml:"ports"`
	LivenessProbe   Probe `yaml:"livenessProbe"`
	ReadinessProbe  Probe `yaml:"readinessProbe"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct {
			Drop []string `yaml:"drop"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	VolumeMounts []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}
