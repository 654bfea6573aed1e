"""What changed between two trees and who changed it; all parsing happens in a confined worker process."""
